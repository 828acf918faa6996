//! The page's files, which are part of the program.

/// A file of the page.
pub(super) struct File {
    pub(super) path: &'static str,
    pub(super) media_type: &'static str,
    pub(super) text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

macro_rules! file {
    ($media_type:expr, $path:literal) => {
        File { path: $path, media_type: $media_type, text: include_str!(concat!("web/", $path)) }
    };
}

pub(super) const FILES: [File; 18] = [
    file!(HTML, "index.html"),
    file!(STYLE, "style.css"),
    file!(STYLE, "messages.css"),
    file!(SCRIPT, "app.js"),
    file!(SCRIPT, "api.js"),
    file!(SCRIPT, "confirm.js"),
    file!(SCRIPT, "dom.js"),
    file!(SCRIPT, "format.js"),
    file!(SCRIPT, "store.js"),
    file!(SCRIPT, "views/act.js"),
    file!(SCRIPT, "views/conversation.js"),
    file!(SCRIPT, "views/cost.js"),
    file!(SCRIPT, "views/doctor.js"),
    file!(SCRIPT, "views/events.js"),
    file!(SCRIPT, "views/faults.js"),
    file!(SCRIPT, "views/flow.js"),
    file!(SCRIPT, "views/message.js"),
    file!(SCRIPT, "views/parked.js"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// All files of the directory, by their paths in it.
    fn found(directory: &std::path::Path, prefix: &str) -> Vec<String> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => paths.extend(found(&entry.path(), &format!("{name}/"))),
                false => paths.push(name),
            }
        }
        paths
    }

    #[test]
    fn every_file_is_embedded() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/console/web");
        let mut found = found(directory.as_ref(), "");
        found.retain(|path| path != "tsconfig.json");
        found.sort();
        let mut embedded: Vec<_> = FILES.iter().map(|file| file.path).collect();
        embedded.sort_unstable();
        assert_eq!(found, embedded);
    }

    #[test]
    fn page_weighs_at_most_150_kb() {
        let bytes: usize = FILES.iter().map(|file| file.text.len()).sum();
        assert!(bytes <= 150 * 1024, "{bytes}");
    }

    #[test]
    fn page_names_no_other_host_and_writes_no_html() {
        for file in &FILES {
            for forbidden in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "https://"] {
                assert!(!file.text.contains(forbidden), "{}: {forbidden}", file.path);
            }
        }
    }
}
