//! Many seeds.

use crate::plan::Plan;
use crate::run::run;

#[test]
fn calm() {
    let outcome = run(Plan::calm(1), None);
    println!("{}", outcome.report());
    outcome.holds();
    assert_eq!(outcome.phases, ["succeeded"]);
}
