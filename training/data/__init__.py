"""The data set, its votes, and the batches that training sees."""
