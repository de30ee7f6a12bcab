//! Tests of the laws, through the facade, as an agent would meet them.
