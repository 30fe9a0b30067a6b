"""The trainer on Apache Spark: what is per customer stays in partitions, what is per item is shared."""
