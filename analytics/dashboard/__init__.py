"""The page that staff open every morning, at `/admin/`: what an address asks for, its tiles, and how they are kept."""
