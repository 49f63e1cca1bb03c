"""What is on an engine, who needs it, and how it is removed without loss: inventory, standing, clean, backup."""
