"""The official clients, used as their documentation shows, behind one interface for tests."""
