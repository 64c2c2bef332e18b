"""Stands between the network and Flask: reads requests whole, sends answers, and gives Flask's threads nothing but work."""
