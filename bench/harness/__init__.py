"""What every benchmark needs: the running system, its cameras and clients, measured usage, tables and charts."""
