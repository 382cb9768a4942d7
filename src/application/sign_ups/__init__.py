"""Sign-ups that wait until their address is proven, so that their answer tells nobody whether it was taken."""
