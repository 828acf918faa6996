//! Claims of the documentation about failures. Each row of the table names the fault of the simulation, or the test,
//! that proves it.

use std::collections::BTreeSet;
use std::fs;

const TABLE: &str = "## When something fails";

fn page(path: &str) -> String {
    fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn each_row_names_what_proves_it() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let page = page("docs/operations.md");
    let (_, section) = page.split_once(TABLE).unwrap();
    let rows: Vec<&str> = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
    let rows = rows.iter().take_while(|line| line.starts_with('|'));
    let faults: BTreeSet<&str> = wab_simulation::fault_names().collect();
    let tests: String = ["tests", "tests/fanout", "functions/mo/tests"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(format!("{root}/{folder}")).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    // Methods that take a permission away from a role of the deployed stack.
    let permissions = self::page("infra/local/permissions.py");
    let mut count = 0;
    for row in rows {
        let proof = row.trim_end_matches(['|', ' ']).rsplit('|').next().unwrap();
        let names: Vec<&str> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(
                faults.contains(name)
                    || tests.contains(&format!("fn {name}()"))
                    || permissions.contains(&format!("def {name}(")),
                "{name} is neither a fault nor a test"
            );
        }
        count += 1;
    }
    assert!(count >= 15, "{count} rows");
}

#[test]
fn readme_has_the_figures_of_chaos_and_simulation() {
    let (readme, chaos) = (page("README.md"), page("docs/chaos.md"));
    let (_, section) = readme.split_once("## Why trust it").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let figures = |text: &str| -> BTreeSet<String> {
        // Figures have a space as separator: `17 500`.
        let digits =
            text.split(|char: char| !(char.is_ascii_digit() || char == ' ')).map(|figure| figure.trim().to_owned());
        digits.filter(|figure| figure.contains(' ')).collect()
    };
    let claimed = figures(section);
    assert!(claimed.len() >= 3, "{claimed:?}");
    assert!(claimed.is_subset(&figures(&chaos)), "{claimed:?}");
}
