"""What people do with channels: edit, price and test them."""
