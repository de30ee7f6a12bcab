//! Imports point one way.

use approvals_rules::{Member, members};

const FACADE: &str = "action-approvals";
const SUPPORT: &str = "approvals-test-support";

/// The packages of the workspace that a package may depend on: in what it ships, and in its tests beside those.
struct Allowed {
    ships: &'static [&'static str],
    tests: &'static [&'static str],
}

/// `None` for a package that nobody has decided about yet.
fn allowed(member: &Member) -> Option<Allowed> {
    let in_room = |room: &str| member.folder.starts_with(room);
    let (ships, tests): (&[_], &[_]) = match member.name.as_str() {
        "approvals-macros" | "approvals-core" => (&[], &[SUPPORT]),
        "approvals-backends" | "approvals-stores" => (&["approvals-core"], &[SUPPORT]),
        "approvals-server" => (&["approvals-core", "approvals-backends", "approvals-stores"], &[SUPPORT]),
        "approvals-cli" => (&[FACADE, "approvals-server"], &[SUPPORT]),
        FACADE => {
            let rooms = &[
                "approvals-core",
                "approvals-macros",
                "approvals-backends",
                "approvals-stores",
                "approvals-server",
            ];
            (rooms, &[])
        }
        _ if in_room("tests/") => (&[FACADE, "approvals-core", "approvals-stores", SUPPORT], &[]),
        _ if in_room("examples/") || in_room("benches") || in_room("fuzz") => (&[FACADE], &[SUPPORT]),
        _ => return None,
    };
    Some(Allowed { ships, tests })
}

#[test]
fn imports_point_one_way() {
    let members = members().unwrap();
    assert!(members.contains_key(FACADE) && members.contains_key("approvals-core"), "{members:?}");
    let mut wrong = Vec::new();
    for member in members.values() {
        let Some(Allowed { ships, tests }) = allowed(member) else {
            wrong.push(format!("`{}` has no place in the order of imports; give it one here", member.name));
            continue;
        };
        for dependency in member.dependencies.iter().filter(|d| members.contains_key(&d.name)) {
            let name = dependency.name.as_str();
            let in_tests = dependency.kind == "dev" && tests.contains(&name);
            // What only one package under `tests/` needs lies inside it.
            let own = members[name].folder.starts_with(&format!("{}/", member.folder));
            if !ships.contains(&name) && !in_tests && !own {
                wrong.push(format!("`{}` depends on `{name}` ({})", member.name, dependency.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_macros_are_made_of_syn_quote_and_proc_macro2_alone() {
    let members = members().unwrap();
    let shipped = members["approvals-macros"].dependencies.iter().filter(|d| d.kind != "dev");
    for dependency in shipped {
        let name = dependency.name.as_str();
        assert!(["syn", "quote", "proc-macro2"].contains(&name), "`{name}` is one too many");
    }
}

#[test]
fn the_facade_is_tested_with_tokio_and_anyhow_alone() {
    // Its examples are built with these, and the first one is what a newcomer waits for.
    let members = members().unwrap();
    let dev = members[FACADE].dependencies.iter().filter(|d| d.kind == "dev");
    let dev: Vec<_> = dev.map(|d| d.name.as_str()).collect();
    assert_eq!(dev, ["anyhow", "tokio"]);
}
