//! The simulation in `make test`: 500 seeds, which must break no promise and hit every fault.

#![expect(clippy::print_stdout, reason = "shown when it fails")]

/// More than a simulated month, in less than a minute.
const SEEDS: u64 = 500;

/// Faults that so few seeds may not hit.
const RARE: [&str; 5] = ["bucket silent", "item expired", "messages twice", "recover killed", "recover throttled"];

#[test]
fn no_seed_breaks_a_promise() {
    let (stats, violations) = wab_simulation::run_seeds(0..SEEDS, true);
    println!("{stats:#?}");
    assert!(violations.is_empty(), "`make simulate SEED=…` shows what happens: {violations:#?}");
    assert!(stats.time >= 30 * 24 * 3_600_000, "{} ms", stats.time);
    let missed: Vec<_> =
        wab_simulation::fault_names().filter(|name| !stats.hits.contains_key(name) && !RARE.contains(name)).collect();
    assert!(missed.is_empty(), "these faults never hit: {missed:?}");
}

#[test]
fn seed_repeats_exactly() {
    for seed in 0..20 {
        assert_eq!(wab_simulation::trace(seed).trace, wab_simulation::trace(seed).trace, "seed {seed}");
    }
}
