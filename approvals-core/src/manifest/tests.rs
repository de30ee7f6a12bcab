use std::collections::BTreeSet;

use super::*;
use crate::action::{Argument as Declared, Risk};
use crate::id::GroupId;

const ARGUMENTS: &[Declared] =
    &[Declared::shown("rows"), Declared::secret("token"), Declared::skipped("pool", "a handle")];

const FULL: ActionSite = ActionSite::new("dataset.export", "src/export.rs", 7)
    .risk(Risk::High)
    .sensitivity("pii")
    .reason("exports {rows} rows")
    .resource("dataset:{dataset}")
    .keyed("{dataset}/{day}")
    .arguments(ARGUMENTS)
    .labels(&[("incident", "incident.id"), ("change", "change")])
    .reviewers(2)
    .from_any(&["sre", "security"])
    .decide_within(14_400)
    .use_within(900)
    .wait(30)
    .rerunnable()
    .by("self.approvals");

const BARE: ActionSite = ActionSite::new("cache.drop", "src/cache.rs", 3);

fn of(sites: &[ActionSite]) -> Manifest {
    Manifest::of(Ok(sites)).unwrap()
}

/// The changes from one site to another of the same action, without what they mean.
fn changes(old: ActionSite, new: ActionSite) -> Vec<(String, Effect)> {
    let diff = of(&[new]).since(&of(&[old]));
    diff.changes().iter().map(|change| (change.part.to_string(), change.effect)).collect()
}

#[track_caller]
fn one(old: ActionSite, new: ActionSite, part: &str, effect: Effect) {
    assert_eq!(changes(old, new), [(part.to_owned(), effect)]);
}

mod comparing {
    use super::Effect::{Other, Strengthened, Weakened};
    use super::*;

    #[test]
    fn what_is_the_same_is_no_change_wherever_in_its_file_it_stands() {
        let mut moved = FULL;
        moved.line = 70;
        assert_eq!(changes(FULL, moved), []);
        assert!(of(&[FULL, BARE]).since(&of(&[BARE, FULL])).is_empty());
    }

    #[test]
    fn a_gate_that_is_gone_is_weakened_and_a_new_one_is_not() {
        let diff = of(&[BARE]).since(&of(&[FULL]));
        let found: Vec<_> = diff.changes().iter().map(|c| (c.action.as_str(), &c.part, c.effect)).collect();
        assert_eq!(found, [("cache.drop", &Part::Gate, Other), ("dataset.export", &Part::Gate, Weakened)]);
        assert!(diff.changes()[0].old.is_none() && diff.changes()[1].new.is_none());
        assert_eq!(diff.weakened().count(), 1);
    }

    #[test]
    fn a_risk_is_weaker_when_a_call_may_have_less() {
        let with = |risk: Option<Risk>| {
            let mut site = BARE;
            site.risk = risk;
            site
        };
        let all = [None, Some(Risk::Low), Some(Risk::Medium), Some(Risk::High), Some(Risk::Critical)];
        let range = |risk: Option<Risk>| (risk.unwrap_or(Risk::Low), risk.unwrap_or(Risk::Critical));
        for (old, new) in
            all.iter().flat_map(|old| all.map(|new| (*old, new))).filter(|(old, new)| old != new)
        {
            let (old_least, old_most) = range(old);
            let (new_least, _) = range(new);
            // The risk of one and the same call is not less if even the least of the new reaches the most of the old.
            let never_less = new_least >= old_most || (old_most, new_least) == (Risk::Low, old_least);
            let effect = if never_less { if new.is_some() { Strengthened } else { Other } } else { Weakened };
            one(with(old), with(new), "risk", effect);
        }
    }

    #[test]
    fn an_argument_that_people_no_longer_see_or_that_is_no_longer_bound_is_weakened() {
        const SHOWN: Declared = Declared::shown("rows");
        const SECRET: Declared = Declared::secret("rows");
        const SKIPPED: Declared = Declared::skipped("rows", "why");
        const OTHERWISE: Declared = Declared::skipped("rows", "another why");
        let cases: [(&'static [Declared], &'static [Declared], Effect); 13] = [
            (&[SHOWN], &[SECRET], Weakened),
            (&[SHOWN], &[SKIPPED], Weakened),
            (&[SHOWN], &[], Weakened),
            (&[SECRET], &[SHOWN], Weakened),
            (&[SECRET], &[SKIPPED], Weakened),
            (&[SECRET], &[], Weakened),
            (&[SKIPPED], &[SHOWN], Strengthened),
            (&[SKIPPED], &[SECRET], Strengthened),
            (&[SKIPPED], &[OTHERWISE], Other),
            (&[SKIPPED], &[], Weakened),
            (&[], &[SHOWN], Other),
            (&[], &[SECRET], Weakened),
            (&[], &[SKIPPED], Weakened),
        ];
        for (old, new, effect) in cases {
            one(BARE.arguments(old), BARE.arguments(new), "argument rows", effect);
        }
        const SWAPPED: &[Declared] = &[Declared::shown("b"), Declared::shown("a")];
        const SORTED: &[Declared] = &[Declared::shown("a"), Declared::shown("b")];
        one(BARE.arguments(SORTED), BARE.arguments(SWAPPED), "arguments", Other);
    }

    #[test]
    fn a_text_that_is_gone_or_reads_otherwise_is_weakened() {
        type With = fn(ActionSite, &'static str) -> ActionSite;
        let texts: [(&str, With); 4] = [
            ("reason", ActionSite::reason),
            ("resource", ActionSite::resource),
            ("key", ActionSite::keyed),
            ("sensitivity", ActionSite::sensitivity),
        ];
        for (part, with) in texts {
            one(with(BARE, "a"), with(BARE, "b"), part, Weakened);
            one(with(BARE, "a"), BARE, part, Weakened);
            one(BARE, with(BARE, "a"), part, Other);
        }
    }

    #[test]
    fn a_label_that_is_gone_is_weakened() {
        one(BARE.labels(&[("incident", "id")]), BARE, "label incident", Weakened);
        one(BARE, BARE.labels(&[("incident", "id")]), "label incident", Other);
        one(BARE.labels(&[("a", "x"), ("b", "y")]), BARE.labels(&[("b", "y"), ("a", "x")]), "labels", Other);
    }

    /// What one gives, no rule can say.
    #[test]
    fn another_expression_is_weakened_wherever_it_stands() {
        const PLAIN: &[Declared] = &[Declared::shown("rows")];
        const ALL: &[Declared] = &[Declared::shown_as("rows", "rows")];
        const NONE: &[Declared] = &[Declared::shown_as("rows", "0")];
        for (old, new) in [(PLAIN, NONE), (ALL, NONE), (NONE, PLAIN)] {
            one(BARE.arguments(old), BARE.arguments(new), "argument rows", Weakened);
        }
        const BOUND: &[Declared] = &[Declared::secret("pw")];
        const LOOSE: &[Declared] = &[Declared::secret_as("pw", "\"\"")];
        for (old, new) in [(BOUND, LOOSE), (LOOSE, BOUND)] {
            one(BARE.arguments(old), BARE.arguments(new), "argument pw", Weakened);
        }
        one(BARE.risk_by("Risk::High"), BARE.risk_by("Risk::Low"), "risk", Weakened);
        one(BARE.labels(&[("a", "id")]), BARE.labels(&[("a", "\"\"")]), "label a", Weakened);
        for (old, new) in
            [(BARE, BARE.by("lax")), (BARE.by("strict"), BARE.by("lax")), (BARE.by("strict"), BARE)]
        {
            one(old, new, "approvals", Weakened);
        }
        for same in [BARE.arguments(NONE), BARE.arguments(LOOSE), BARE.risk_by("risk()"), BARE.by("lax")] {
            assert_eq!(changes(same.clone(), same), []);
        }
    }

    #[test]
    fn a_longer_life_is_weakened_also_where_one_of_them_is_the_default() {
        type With = fn(ActionSite, u64) -> ActionSite;
        let clocks: [(&str, With, u64); 2] =
            [("decide_within", ActionSite::decide_within, 3600), ("use_within", ActionSite::use_within, 900)];
        for (part, with, default) in clocks {
            one(with(BARE, 60), with(BARE, 61), part, Weakened);
            one(with(BARE, 61), with(BARE, 60), part, Strengthened);
            one(BARE, with(BARE, default + 1), part, Weakened);
            one(with(BARE, default - 1), BARE, part, Weakened);
            one(BARE, with(BARE, default - 1), part, Strengthened);
            one(BARE, with(BARE, default), part, Other);
        }
        one(BARE.wait(1), BARE.wait(2), "wait", Other);
    }

    #[test]
    fn leave_to_run_again_is_weakened() {
        one(BARE, BARE.rerunnable(), "rerunnable", Weakened);
        one(BARE.rerunnable(), BARE, "rerunnable", Strengthened);
    }

    #[test]
    fn another_file_is_a_change() {
        one(BARE, ActionSite::new("cache.drop", "src/decoy.rs", 3), "file", Other);
    }

    #[test]
    fn fewer_people_or_other_groups_are_weakened() {
        one(BARE.reviewers(2), BARE.reviewers(1), "reviewers", Weakened);
        one(BARE.reviewers(1), BARE, "reviewers", Weakened);
        one(BARE, BARE.reviewers(1), "reviewers", Strengthened);
        one(BARE.from_any(&["a"]), BARE.from_any(&["a", "b"]), "reviewers", Weakened);
        one(BARE.from_any(&["a", "b"]), BARE.from_any(&["a"]), "reviewers", Strengthened);
        one(BARE.from_any(&["a"]), BARE.reviewers(5), "reviewers", Weakened);
        one(BARE.from_each(&["a", "b"]), BARE.reviewers(2).from_any(&["a", "b"]), "reviewers", Weakened);
        one(BARE.reviewers(2).from_any(&["a", "b"]), BARE.from_each(&["a", "b"]), "reviewers", Strengthened);
        one(BARE.from_any(&["a"]), BARE.from_any(&["a"]).reviewers(1), "reviewers", Other);
        one(BARE.from_each(&["a"]), BARE.from_any(&["a"]), "reviewers", Other);
    }

    /// The model of the rule: crowds of up to four people, each of a subset of two groups.
    #[test]
    fn whoever_is_enough_after_a_change_that_is_not_weakened_was_enough_before() {
        let groups: [BTreeSet<GroupId>; 4] = [&[][..], &["a"], &["b"], &["a", "b"]]
            .map(|names| names.iter().map(|name| GroupId::from(*name)).collect());
        let mut crowds: Vec<Vec<&BTreeSet<GroupId>>> = vec![Vec::new()];
        for start in 0..4 {
            let longer = crowds.iter().filter(|crowd| crowd.len() == start).flat_map(|crowd| {
                groups.iter().map(|one| crowd.iter().copied().chain([one]).collect::<Vec<_>>())
            });
            crowds.extend(longer.collect::<Vec<_>>());
        }
        let mut sites = Vec::new();
        for count in [None, Some(1), Some(2), Some(3)] {
            for names in [&[][..], &["a"], &["b"], &["a", "b"]] {
                for each in [false, true] {
                    let mut site = if each { BARE.from_each(names) } else { BARE.from_any(names) };
                    site.reviewers = count;
                    sites.push(site);
                }
            }
        }
        let enough =
            |site: &ActionSite, crowd: &[_]| site.declared_quorum().is_none_or(|q| q.is_met_by(crowd));
        let (mut weaker, mut not) = (0, 0);
        for (old, new) in sites.iter().flat_map(|old| sites.iter().map(move |new| (old, new))) {
            let gap = crowds.iter().any(|crowd| enough(new, crowd) && !enough(old, crowd));
            let weakened = changes(old.clone(), new.clone()).iter().any(|(_, effect)| *effect == Weakened);
            assert!(weakened || !gap, "{old:?}\n{new:?}");
            if weakened { weaker += 1 } else { not += 1 }
        }
        assert!(weaker > 100 && not > 100, "{weaker} {not}");
    }
}

mod telling {
    use super::*;

    #[test]
    fn a_log_has_a_line_for_each_change_and_what_to_do() {
        let old = of(&[FULL, BARE]);
        let new = of(&[FULL.reviewers(1).use_within(60), ActionSite::new("cache.fill", "src/cache.rs", 3)]);
        let told = new.since(&old).to_string();
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(
            lines,
            [
                "4 changes of what the code asks people for, 2 of them may weaken a gate:",
                "  weakened: cache.drop: gate removed, was `risk varies, in src/cache.rs`; nothing asks before it runs any \
                 more, unless it was renamed",
                "  other: cache.fill: gate added, is `risk varies, in src/cache.rs`; check that it asks for enough",
                "  weakened: dataset.export: reviewers was `2 people from any of sre, security`, is `1 person from any of \
                 sre, security`; fewer people, or people of other groups, may be enough",
                "  strengthened: dataset.export: use_within was `15m`, is `1m`; an approval can be given or used for less \
                 time",
                "if this is meant, write the new manifest with `approvals::manifest()?.write(…)` and commit it, so that \
                 somebody reviews the difference",
            ]
        );
        assert_eq!(new.since(&new).to_string(), "no gate was added, removed or changed");
    }

    #[test]
    fn hostile_text_of_a_file_is_visible_text() {
        let file = r#"{"format":1,"actions":[{"action":"a\nstrengthened: b","file":"x\u001b[2J","risk":"low",
            "reason":"\u202e","arguments":[{"name":"n\nm","treatment":{"skipped":"w\u0007"}},
            {"name":"o","treatment":"shown","by":"e\u001b"}],"labels":[{"name":"l\r","by":"b\u0007"}],
            "from_each":["g\n"],"approvals":"h\u202e"},{"action":"c","file":"f","risk":"varies","risk_by":"r\u001b"}]}"#;
        let hostile: Manifest = file.parse().unwrap();
        let mut changed = hostile.clone();
        changed.entries[0] = Entry { action: hostile.entries[0].action.clone(), ..Entry::of(&FULL) };
        for told in [
            hostile.to_string(),
            hostile.since(&of(&[])).to_string(),
            changed.since(&hostile).to_string(),
            of(&[]).since(&hostile).to_string(),
        ] {
            assert!(!told.contains(['\u{1b}', '\u{202e}', '\u{7}', '\r']), "{told}");
            assert!(!told.contains("\nstrengthened") && !told.contains("\nm"), "{told}");
        }
    }

    #[test]
    fn an_auditor_reads_everything_that_is_declared() {
        assert_eq!(
            of(&[FULL, BARE]).to_string(),
            "cache.drop  risk varies  src/cache.rs\n\
             \n\
             dataset.export  risk high  src/export.rs\n    \
                 reason exports {rows} rows\n    \
                 resource dataset:{dataset}\n    \
                 key {dataset}/{day}\n    \
                 sensitivity pii\n    \
                 argument rows: shown\n    \
                 argument token: secret\n    \
                 argument pool: skipped: a handle\n    \
                 label incident: incident.id\n    \
                 label change: change\n    \
                 reviewers 2 people from any of sre, security\n    \
                 decide_within 4h\n    \
                 use_within 15m\n    \
                 wait 30s\n    \
                 rerunnable\n    \
                 approvals self.approvals\n"
        );
    }
}

mod file {
    use super::*;
    use crate::manifest::file::InvalidManifest;

    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("approvals-manifest-{}-{name}", std::process::id()));
            std::fs::create_dir(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_is_left() {
        let folder = Folder::new("round");
        let path = folder.0.join("approvals.json");
        std::fs::write(&path, "what was there before").unwrap();
        for manifest in [of(&[FULL, BARE]), of(&[])] {
            manifest.write(&path).unwrap();
            assert_eq!(Manifest::read(&path).unwrap(), manifest);
            assert!(manifest.diff(&path).unwrap().is_empty());
        }
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
        let diff = of(&[FULL]).diff(&path).unwrap().to_string();
        assert!(diff.contains(&format!("manifest()?.write({:?})", path.display().to_string())), "{diff}");
    }

    #[test]
    fn a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else() {
        let folder = Folder::new("write");
        let taken = folder.0.join("taken");
        std::fs::create_dir(&taken).unwrap();
        for path in [taken, folder.0.join("missing/approvals.json"), folder.0.join("..")] {
            let error = of(&[FULL]).write(&path).unwrap_err();
            assert!(matches!(error, ManifestError::Unwritable { .. }), "{error}");
        }
        assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_file_says_how_to_write_the_first_one() {
        let folder = Folder::new("missing");
        let error = of(&[FULL]).diff(folder.0.join("approvals.json")).unwrap_err();
        assert!(matches!(error, ManifestError::Missing(_)), "{error}");
        assert!(error.to_string().contains("approvals::manifest()?.write("), "{error}");
        assert!(matches!(of(&[FULL]).diff(&folder.0), Err(ManifestError::Unreadable { .. })));
    }

    #[test]
    fn a_file_is_read_strictly() {
        let entry = r#"{"action":"a","file":"f","risk":"low"}"#;
        let with = |actions: &str| format!(r#"{{"format":1,"actions":[{actions}]}}"#);
        let more = |field: &str| with(&entry.replace("\"low\"", &format!("\"low\",{field}")));
        assert!(with(entry).parse::<Manifest>().is_ok());
        let malformed = [
            String::new(),
            "[]".to_owned(),
            r#"{"actions":[]}"#.to_owned(),
            r#"{"format":1}"#.to_owned(),
            r#"{"format":1,"actions":[],"more":1}"#.to_owned(),
            r#"{"format":1,"format":1,"actions":[]}"#.to_owned(),
            format!("{} {{}}", with(entry)),
            with(r#"{"action":"a","risk":"low"}"#),
            with(r#"{"action":"a","file":"f","risk":"lowest"}"#),
            more(r#""reviewer":2"#),
            more(r#""reviewers":-1"#),
            more(r#""use_within":"15m""#),
            more(r#""risk":"high""#),
            more(r#""arguments":[{"name":"x","treatment":"hidden"}]"#),
            more(r#""arguments":[{"name":"x","treatment":"shown","why":"y"}]"#),
            more(r#""arguments":[{"name":"x"}]"#),
            more(r#""labels":["x"]"#),
        ];
        for text in malformed {
            let read = text.parse::<Manifest>();
            assert!(matches!(read, Err(InvalidManifest::Malformed(_))), "{text}: {read:?}");
        }
        let twice = [
            (with(&format!("{entry},{entry}")), "action"),
            (more(r#""labels":[{"name":"a","by":"x"},{"name":"a","by":"y"}]"#), "label"),
            (
                more(r#""arguments":[{"name":"x","treatment":"shown"},{"name":"x","treatment":"secret"}]"#),
                "argument",
            ),
        ];
        for (text, named) in twice {
            let read = text.parse::<Manifest>();
            assert!(matches!(read, Err(InvalidManifest::Twice { what, .. }) if what == named), "{read:?}");
        }
    }

    #[test]
    fn another_format_is_an_error_of_its_own_whatever_else_is_in_it() {
        let error = r#"{"format":2,"gates":{}}"#.parse::<Manifest>().unwrap_err();
        assert!(matches!(error, InvalidManifest::Format(2)), "{error}");
        assert!(error.to_string().contains("version of `approvals`"), "{error}");
    }

    #[test]
    fn a_file_longer_than_any_manifest_is_refused_without_being_read_to_its_end() {
        let folder = Folder::new("long");
        let path = folder.0.join("long.json");
        std::fs::File::create(&path).unwrap().set_len(1 << 40).unwrap();
        let error = Manifest::read(&path).unwrap_err();
        assert!(matches!(error, ManifestError::Invalid { why: InvalidManifest::TooLong, .. }), "{error}");
    }
}

mod gathering {
    use super::*;

    #[test]
    fn a_platform_that_cannot_gather_says_so_instead_of_being_short() {
        let error = Manifest::of(Err(Ungathered::Unsupported)).unwrap_err();
        assert!(matches!(error, ManifestError::Unsupported), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(std::env::consts::OS) && message.contains("take it from a build for"),
            "{message}"
        );
    }

    #[test]
    fn two_actions_of_one_name_are_an_error_and_not_one_of_them() {
        let other = ActionSite::new("dataset.export", "src/other.rs", 1);
        let error = Manifest::of(Ok(&[FULL, BARE, other])).unwrap_err().to_string();
        assert!(error.contains("src/export.rs:7 and src/other.rs:1"), "{error}");
    }

    #[test]
    fn an_action_is_found_by_its_name() {
        let manifest = of(&[FULL, BARE]);
        assert_eq!(manifest.entry("cache.drop").map(|entry| entry.risk), Some(None));
        assert_eq!(manifest.entry("cache"), None);
        assert_eq!(manifest.entries().len(), 2);
    }
}
