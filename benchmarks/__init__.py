"""What the speed promises are measured with: `make bench`."""
