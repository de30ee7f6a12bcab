//! What the crates say in a log when something goes wrong.

use approvals_rules::files;

/// The messages of every `warn` and `error` of our sources.
fn messages() -> Vec<(String, String)> {
    let mut messages = Vec::new();
    for (path, text) in files().unwrap() {
        let source = path.extension().is_some_and(|found| found == "rs")
            && path.components().any(|part| part.as_os_str() == "src")
            && !path.starts_with("tests");
        if !source {
            continue;
        }
        for level in ["tracing::warn!(", "tracing::error!("] {
            for call in text.split(level).skip(1) {
                // The message is the last literal before the call ends; none of ours holds a quote.
                let end = ["\")", "\"\n"].iter().filter_map(|end| call.find(end)).min().unwrap();
                let begin = call[..end].rfind('"').unwrap() + 1;
                let message = call[begin..end].split('\\').map(str::trim_start).collect::<Vec<_>>().concat();
                messages.push((path.display().to_string(), message));
            }
        }
    }
    messages
}

#[test]
fn every_warning_and_error_is_on_the_page_for_operators() {
    let messages = messages();
    assert!(messages.len() > 15, "{messages:#?}");
    let page = include_str!("../../../../docs/operating.md").replace("``", "");
    for (path, message) in messages {
        assert!(page.contains(&message), "{path}: `{message}` is not in docs/operating.md");
    }
}

#[test]
fn every_warning_and_error_says_what_to_do() {
    for (path, message) in messages() {
        let does = message.split_once(';').is_some_and(|(_, remedy)| remedy.trim().contains(' '));
        assert!(does, "{path}: `{message}` says what is wrong and not what to do");
    }
}
