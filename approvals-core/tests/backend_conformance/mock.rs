//! The mock, judged by the line that outsiders use.

use approvals_core::conformance::SetupError;
use approvals_core::conformance::backend::{
    Abilities, Ability, Act, Acted, BackendUnderTest, Does, View, Who, backend_conformance,
};
