//! The seam to the network that every backend across one uses.
