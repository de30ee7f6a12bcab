// What expansions call is in `__private` and nowhere else.
use approvals::call::{Capture, Captured, Capturer, Text, secret, show, show_by, skipped};

fn main() {}
