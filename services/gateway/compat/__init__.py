"""APIs of other products, so that their clients change only the address. Off unless a setting names them."""
