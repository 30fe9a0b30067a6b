"""`python -m recommender.training`: the command line where no script is installed."""

from .command_line import main

main()
