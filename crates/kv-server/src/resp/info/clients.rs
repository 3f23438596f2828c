//! Who is connected.

use super::Server;
use super::text::Text;

/// `# Clients`
pub(super) fn clients(Server { shared, .. }: &Server<'_>, text: &mut Text) {
    let seen: Vec<_> = shared.clients.all().iter().map(|client| client.seen()).collect();
    let received = seen.iter().map(|seen| seen.received + seen.room).max();
    let unsent = seen.iter().map(|seen| seen.unsent).max();
    text.field("connected_clients", shared.clients.count());
    text.field("cluster_connections", 0);
    text.field("maxclients", shared.gate.places().max());
    text.field("client_recent_max_input_buffer", received.unwrap_or(0));
    text.field("client_recent_max_output_buffer", unsent.unwrap_or(0));
    text.field("blocked_clients", seen.iter().filter(|seen| seen.is_blocked).count());
    text.zeros(&[
        "tracking_clients",
        "clients_in_timeout_table",
        "total_blocking_keys",
        "total_blocking_keys_on_nokey",
    ]);
}
