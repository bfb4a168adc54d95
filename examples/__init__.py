"""Programs to start from: a fraud API on synthetic payments, and operations rules on real flights."""
