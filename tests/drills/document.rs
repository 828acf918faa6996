//! Reads the commands out of a page of the documentation.

use std::path::Path;

/// A page under docs/, by its second-level headings.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) sections: Vec<Section>,
}

#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: String,
    text: String,
}

impl Document {
    pub(crate) fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { sections: sections(&text) }
    }

    #[track_caller]
    pub(crate) fn section(&self, title: &str) -> &Section {
        let found = self.sections.iter().find(|section| section.title == title);
        found.unwrap_or_else(|| panic!("no section {title}"))
    }
}

impl Section {
    /// All fenced `sh` commands.
    pub(crate) fn commands(&self) -> Vec<String> {
        commands(&self.text)
    }

    /// The commands that show what is wrong: all before the paragraph **Mend**.
    pub(crate) fn show(&self) -> Vec<String> {
        commands(self.halves().0)
    }

    /// The fenced commands from the paragraph **Mend** on.
    pub(crate) fn mend(&self) -> Vec<String> {
        commands(self.halves().1)
    }

    fn halves(&self) -> (&str, &str) {
        self.text.find("\n**Mend").map_or((&*self.text, ""), |at| self.text.split_at(at))
    }

    /// The fenced blocks with their languages, without their indentation.
    pub(crate) fn blocks(&self) -> Vec<(String, String)> {
        blocks(&self.text)
    }

    /// The code in running text.
    pub(crate) fn spans(&self) -> Vec<String> {
        let mut fenced = false;
        let prose = self.text.lines().filter(move |line| {
            let fence = line.trim_start().starts_with("```");
            fenced ^= fence;
            !fenced && !fence
        });
        // Running text may be wrapped anywhere.
        let prose = prose.map(str::trim).collect::<Vec<_>>().join(" ");
        prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    /// The command in running text that begins like this.
    #[track_caller]
    pub(crate) fn span(&self, beginning: &str) -> String {
        let found = self.spans().into_iter().find(|span| span.starts_with(beginning));
        found.unwrap_or_else(|| panic!("{}: no `{beginning}…`", self.title))
    }
}

fn sections(text: &str) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        match (line.strip_prefix("## "), found.last_mut()) {
            (Some(title), _) if !fenced => found.push(Section { title: title.to_owned(), text: String::new() }),
            (_, Some(section)) => section.text += &format!("{line}\n"),
            _ => {}
        }
    }
    found
}

fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut indentation = None;
    for line in text.lines() {
        let content = line.trim_start();
        match (content.strip_prefix("```"), indentation) {
            (Some(_), Some(_)) => indentation = None,
            (Some(language), None) => {
                indentation = Some(line.len() - content.len());
                found.push((language.to_owned(), String::new()));
            }
            (None, Some(spaces)) => {
                found.last_mut().unwrap().1 += &format!("{}\n", line.get(spaces..).unwrap_or_default());
            }
            (None, None) => {}
        }
    }
    found
}

/// The commands of all `sh` blocks.
fn commands(text: &str) -> Vec<String> {
    let blocks = blocks(text).into_iter().filter(|(language, _)| language == "sh");
    blocks.flat_map(|(_, block)| lines(&block)).collect()
}

/// The commands of a block. A command ends with its line, unless that ends with a backslash.
pub(crate) fn lines(block: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut command = String::new();
    for line in block.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        command += line;
        if line.ends_with('\\') {
            command.push('\n');
        } else {
            found.push(std::mem::take(&mut command));
        }
    }
    assert!(command.is_empty(), "an unfinished command: {command}");
    found
}

#[test]
fn commands_are_read_from_fenced_blocks() {
    let text = "# Page\n\n## One\n\nRun `a b` and `c`.\n\n```sh\n# why\nfirst --x \\\n  --y\nsecond   # a note\n```\n\n\
                **Mend** it:\n\n- so:\n\n  ```sh\n  third\n  ```\n\n```text\n## no heading\n```\n\n## Two\n";
    let document = Document { sections: sections(text) };
    let titles: Vec<&str> = document.sections.iter().map(|section| &*section.title).collect();
    assert_eq!(titles, ["One", "Two"]);
    let one = document.section("One");
    assert_eq!(one.show(), ["first --x \\\n  --y", "second   # a note"]);
    assert_eq!((one.mend(), one.commands().len()), (vec!["third".to_owned()], 3));
    assert_eq!(one.spans(), ["a b", "c"]);
    let blocks = one.blocks();
    let languages: Vec<&str> = blocks.iter().map(|(language, _)| &**language).collect();
    assert_eq!((languages, &*blocks[2].1), (vec!["sh", "sh", "text"], "## no heading\n"));
}
