//! Bytes that may not be commands: inline commands, quotes, and the edges of the framing.

use super::values::Random;

/// What they are put together from.
const PIECES: [&str; 34] = [
    "PING\r\n",
    "ping\n",
    "SET k1 v\r\n",
    "GET k1\r\n",
    "SET \"k 1\" 'a\\'b'\r\n",
    "ECHO \"\\x41\\n\\t\"\r\n",
    "ECHO 'a'b\r\n",
    "ECHO \"a\r\n",
    "\r\n",
    "\n",
    "   \r\n",
    "*0\r\n",
    "*-1\r\n",
    "*-10\r\n",
    "*1\r\n$4\r\nPING\r\n",
    "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n",
    "*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n",
    "*1\r\n",
    "*x\r\n",
    "*01\r\n",
    "*+1\r\n",
    "*\r\n",
    "*9223372036854775808\r\n",
    "*2147483648\r\n",
    "$4\r\nPING\r\n",
    "$-1\r\n",
    "$x\r\n",
    "$536870913\r\n",
    ":1\r\n",
    "PING",
    "\r",
    "ECHO a\tb  \x0b c\r\n",
    "NOSUCH a b\r\n",
    "GET\r\n",
];

pub(super) fn bytes(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=random.below(5) {
        bytes.extend(random.word(&PIECES));
    }
    bytes
}
