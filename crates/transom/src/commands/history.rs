//! `history`

use anyhow::Result;

use crate::cli::build::History;
use crate::host::Host;

/// Prints how an image was made, the last step first.
pub(super) async fn command(host: &Host, args: History) -> Result<()> {
    let image = host.images().await?.resolve(&args.image).await?;
    let id = if args.no_trunc { image.id.to_string() } else { image.id.short().to_owned() };
    if args.quiet {
        println!("{id}");
        return Ok(());
    }
    println!("{:<14}{:<32}{:<48}COMMENT", "IMAGE", "CREATED", "CREATED BY");
    for (at, entry) in image.config.history.iter().rev().enumerate() {
        let by = entry.created_by.clone().unwrap_or_default().replace(['\n', '\t'], " ");
        let cut = |text: String| match text.char_indices().nth(44) {
            Some((end, _)) if !args.no_trunc => format!("{}…", &text[..end]),
            _ => text,
        };
        let shown = if at == 0 { id.as_str() } else { "<missing>" };
        let created = entry.created.as_deref().unwrap_or("");
        let comment = entry.comment.as_deref().unwrap_or("");
        println!("{shown:<14}{created:<32}{:<48}{comment}", cut(by));
    }
    Ok(())
}
