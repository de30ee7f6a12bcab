//! Finds what a runner of tests would run, by reading the source.

/// How a function is marked that is a test.
const MARKS: [&str; 3] = ["#[test]", "#[tokio::test", "#[::tokio::test"];

/// The names of the tests in the source of a file: functions that are marked as tests and not ignored, and the lines of
/// a table from which a macro of that file makes a test each, or a rule of a conformance suite, which is a test of every
/// store and backend.
pub fn tests_of(source: &str) -> Vec<&str> {
    let mut names = marked(source);
    for rules in ["macro_rules! __store_rules", "macro_rules! __backend_rules"] {
        names.extend(source.split_once(rules).into_iter().flat_map(|(_, table)| rows(table, "::", ',')));
    }
    // `$(#[test] fn $name() { … })+`, and the macro's own calls `name! { sentence: … }`.
    for definition in
        source.split("macro_rules! ").skip(1).filter(|text| text.contains("#[test]\n        fn $"))
    {
        let call = definition.split(|c: char| !is_of_a_name(c)).next().unwrap_or_default();
        let opens = format!("\n{call}! {{");
        let calls = source.split(opens.as_str()).skip(1);
        names.extend(calls.flat_map(|table| rows(table.split("\n}").next().unwrap_or_default(), "", ':')));
    }
    names
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Functions behind a mark; between the two stand other attributes and comments alone.
fn marked(source: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut lines = source.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        if !MARKS.iter().any(|mark| line.starts_with(mark)) {
            continue;
        }
        let mut ignored = false;
        for line in lines.by_ref() {
            ignored |= line.starts_with("#[ignore");
            if let Some((_, after)) = line.split_once("fn ") {
                let name = after.split(|c: char| !is_of_a_name(c)).next();
                names.extend(name.filter(|name| !name.is_empty() && !ignored));
                break;
            }
        }
    }
    names
}

/// The names at the beginning of each row of a table, behind a path that ends so, before this character.
fn rows<'a>(table: &'a str, behind: &'a str, before: char) -> impl Iterator<Item = &'a str> {
    table.lines().filter_map(move |line| {
        let line = line.trim_start();
        let (place, _) = line.match_indices(before).next()?;
        let name = line.get(..place)?;
        let name = match behind {
            "" => name,
            path => name.split_once(path)?.1,
        };
        (!name.is_empty() && name.chars().all(is_of_a_name)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::tests_of;

    #[test]
    fn helpers_and_ignored_functions_are_no_tests() {
        let source = "
            fn a_helper() {}
            #[test]
            fn a_test() {}
            /// Says why.
            #[tokio::test(flavor = \"multi_thread\")]
            #[should_panic = \"so\"]
            async fn one_of_a_runtime() {}
            #[test]
            #[ignore = \"it takes hours\"]
            fn one_that_does_not_run() {}
            #[test]
            fn of_a_property(x in 0..4_u8) {}
        ";
        assert_eq!(tests_of(source), ["a_test", "one_of_a_runtime", "of_a_property"]);
    }

    #[test]
    fn the_rows_of_a_table_are_tests_where_a_macro_makes_them_so() {
        let table = "macro_rules! rules {\n    ($($name:ident: $what:ident;)+) => {\n        $(#[test]\n        fn $name() {})+\n    };\n}\n\nrules! {\n    a_sentence: What;\n}\n";
        assert_eq!(tests_of(table), ["a_sentence"]);
        assert!(tests_of("list! {\n    a_sentence: What;\n}\n").is_empty());
        let suite = "macro_rules! __store_rules {\n    append::a_rule, Nothing, [2, 3];\n}\n";
        assert_eq!(tests_of(suite), ["a_rule"]);
    }
}
