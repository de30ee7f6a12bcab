//! Has the stores take their locks, queues and threads from shuttle.

fn main() {
    println!("cargo::rustc-cfg=approvals_shuttle");
}
