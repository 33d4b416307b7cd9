DT_FLOAT: int
DT_INT32: int
DT_INT64: int
DT_STRING: int
DT_BOOL: int
