"""Every agreement between two processes, stated once. Imports numpy and the standard library only."""
