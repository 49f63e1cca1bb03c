"""What lies on an engine, who needs it, and how it goes without loss: inventory, standing, clean, backup."""
