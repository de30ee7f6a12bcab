//! The laws, one by one, as an agent meets them: gated functions, the mock, and a bench whose parts fail on demand.

mod support;

mod permit; // laws 1 and 6

mod once; // laws 2 and 8

mod dropped; // law 8, await by await

mod verdicts; // laws 3, 4 and 11

mod shown; // laws 5 and 13

mod frozen; // law 10
