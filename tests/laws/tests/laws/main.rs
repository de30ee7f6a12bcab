//! The laws, one by one, as an agent meets them: gated functions, the mock, and a bench whose parts fail on demand.

mod support;

mod permit; // laws 1 and 6

mod once; // laws 2 and 8

mod dropped; // law 8, await by await

mod verdicts; // laws 3, 4 and 11

mod shown; // laws 5 and 13

mod frozen; // law 10

mod ledger; // laws 7 and 11

mod keys; // law 9

mod time; // the clocks, and law 14

mod backends;

mod secrets; // law 12

mod words; // law 15

mod building;

mod bad_input;

mod people;

mod scopes;

mod stores;
