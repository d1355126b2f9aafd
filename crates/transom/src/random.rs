//! Random bytes, and names made of them.

pub use engine::os::random::fill;

/// A name for a container that nobody named, such as `quiet_lintel`.
pub fn name() -> String {
    let mut bytes = [0; 2];
    fill(&mut bytes);
    let pick = |words: &[&'static str], byte: u8| words[usize::from(byte) % words.len()];
    format!("{}_{}", pick(ADJECTIVES, bytes[0]), pick(NOUNS, bytes[1]))
}

const ADJECTIVES: &[&str] = &[
    "airy", "amber", "ample", "bold", "bright", "brisk", "calm", "clear", "clever", "cosy",
    "crisp", "daring", "deft", "eager", "early", "easy", "fair", "fleet", "fond", "frank", "fresh",
    "gentle", "glad", "golden", "grand", "happy", "hardy", "hazel", "honest", "jolly", "keen",
    "kind", "light", "lively", "lucid", "lucky", "merry", "mild", "modest", "neat", "nimble",
    "noble", "open", "patient", "plain", "proud", "quick", "quiet", "rapid", "ready", "rosy",
    "serene", "sharp", "silver", "steady", "still", "sunny", "swift", "tidy", "upbeat", "vivid",
    "warm", "wise", "witty",
];

const NOUNS: &[&str] = &[
    "alcove",
    "arch",
    "atrium",
    "awning",
    "balcony",
    "bay",
    "beam",
    "brace",
    "casement",
    "cornice",
    "corridor",
    "cupola",
    "dome",
    "door",
    "dormer",
    "eave",
    "fanlight",
    "frame",
    "frieze",
    "gable",
    "gallery",
    "gate",
    "glazing",
    "grille",
    "hall",
    "hatch",
    "hinge",
    "jamb",
    "joist",
    "keystone",
    "latch",
    "lattice",
    "ledge",
    "lintel",
    "loft",
    "louver",
    "mullion",
    "muntin",
    "nook",
    "oriel",
    "pane",
    "panel",
    "parapet",
    "pillar",
    "porch",
    "portal",
    "portico",
    "rafter",
    "rail",
    "ridge",
    "roof",
    "sash",
    "shutter",
    "sill",
    "skylight",
    "spire",
    "stair",
    "terrace",
    "threshold",
    "tower",
    "truss",
    "turret",
    "vault",
    "veranda",
];
