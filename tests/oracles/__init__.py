"""References that compute gradients in ways of their own, all behind one interface: `ORACLES[name](case)`."""
