import os

# Threads that wait for each other by spinning keep other programs of the machine from the work that they wait
# for. OpenMP reads this once, when the first library that uses it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
