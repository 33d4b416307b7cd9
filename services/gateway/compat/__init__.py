"""HTTP APIs of other products, so that their clients only change the base URL. Off unless a setting names them."""
