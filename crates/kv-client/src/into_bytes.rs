//! What may be given as a key or a value.

use bytes::Bytes;

/// Bytes a call takes as a key or a value. Owned and static data is taken as it is; other borrowed
/// data is copied.
pub trait IntoBytes {
    /// The bytes.
    fn into_bytes(self) -> Bytes;

    /// The same bytes, to be copied into a message.
    fn as_slice(&self) -> &[u8];
}

macro_rules! taken {
    ($($owned:ty),*) => {$(
        impl IntoBytes for $owned {
            fn into_bytes(self) -> Bytes {
                Bytes::from(self)
            }

            fn as_slice(&self) -> &[u8] {
                self.as_ref()
            }
        }
    )*};
}

macro_rules! copied {
    ($($borrowed:ty),*) => {$(
        impl IntoBytes for $borrowed {
            fn into_bytes(self) -> Bytes {
                Bytes::copy_from_slice(self.as_ref())
            }

            fn as_slice(&self) -> &[u8] {
                self.as_ref()
            }
        }
    )*};
}

taken!(Bytes, Vec<u8>, String, Box<[u8]>);
copied!(&[u8], &str, &Vec<u8>, &String);

impl IntoBytes for &Bytes {
    fn into_bytes(self) -> Bytes {
        self.clone()
    }

    fn as_slice(&self) -> &[u8] {
        self
    }
}

impl<const N: usize> IntoBytes for &[u8; N] {
    fn into_bytes(self) -> Bytes {
        Bytes::copy_from_slice(self)
    }

    fn as_slice(&self) -> &[u8] {
        *self
    }
}

impl<const N: usize> IntoBytes for [u8; N] {
    fn into_bytes(self) -> Bytes {
        Bytes::copy_from_slice(&self)
    }

    fn as_slice(&self) -> &[u8] {
        self
    }
}
