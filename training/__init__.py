import os

# Threads that wait for each other by spinning keep other programs of the machine from the work that they wait
# for. OpenMP reads this once, when the first library that uses it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What polars is done with goes back to the machine in no time: it would keep as much again as a history
# takes, and the models that are learned next have no use for it. Its allocator (jemalloc) reads this once.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:20,muzzy_decay_ms:0")
