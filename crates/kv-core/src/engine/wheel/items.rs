//! The items of a wheel: in blocks, so that none is moved when there are more, and no more than one block is unused.

use super::NIL;
use crate::engine::entry::prefetch;
use crate::engine::memory::allocated_bytes;
use crate::eviction::Fingerprint;

/// Items of a block: a size that the allocator has.
const BLOCK_ITEMS: usize = 64;

/// Places for blocks that there are at first.
const PLACES_MIN: usize = 4;

type Block = [Item; BLOCK_ITEMS];

const _: () = assert!(allocated_bytes(size_of::<Block>()) == size_of::<Block>());

/// A key, and the item that follows in its list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) fingerprint: Fingerprint,
    pub(super) next: u32,
}

const UNUSED: Item = Item { fingerprint: Fingerprint(0), next: NIL };

/// Items, each known by its number.
#[derive(Debug)]
pub(super) struct Items {
    #[expect(clippy::vec_box, reason = "more places are made without moving the blocks")]
    blocks: Vec<Box<Block>>,
    /// Every item before this one has been used.
    end: usize,
    /// First of those that are used no more.
    free: u32,
    len: usize,
}

impl Items {
    pub(super) const fn new() -> Self {
        Self { blocks: Vec::new(), end: 0, free: NIL, len: 0 }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many there can be before there must be another block.
    pub(super) fn capacity(&self) -> usize {
        self.blocks.len() * BLOCK_ITEMS
    }

    /// The item with this number, which must be one.
    pub(super) fn get(&self, number: u32) -> Item {
        let (block, place) = place(number);
        self.blocks[block][place]
    }

    /// Asks the processor for the item with this number, if there is one.
    #[inline]
    pub(super) fn prefetch(&self, number: u32) {
        let (block, place) = place(number);
        if let Some(item) = self.blocks.get(block).and_then(|block| block.get(place)) {
            prefetch(std::ptr::from_ref(item).addr());
        }
    }

    fn set(&mut self, number: u32, item: Item) {
        let (block, place) = place(number);
        self.blocks[block][place] = item;
    }

    /// Has another item follow.
    pub(super) fn set_next(&mut self, number: u32, next: u32) {
        self.set(number, Item { next, ..self.get(number) });
    }

    /// Adds an item; returns its number.
    pub(super) fn add(&mut self, item: Item) -> u32 {
        self.len += 1;
        let number = self.free;
        if number != NIL {
            self.free = self.get(number).next;
            self.set(number, item);
            return number;
        }
        if self.end == self.capacity() {
            self.grow_to(self.blocks.len() + 1);
        }
        let number = u32::try_from(self.end).expect("a shard holds fewer than 2^32 - 1 items");
        self.end += 1;
        self.set(number, item);
        number
    }

    /// Removes an item.
    pub(super) fn remove(&mut self, number: u32) {
        self.set_next(number, self.free);
        self.free = number;
        self.len -= 1;
    }

    /// Removes all items. Their memory stays, and is used from its beginning.
    pub(super) fn clear(&mut self) {
        (self.end, self.free, self.len) = (0, NIL, 0);
    }

    /// Makes room for so many more.
    pub(super) fn reserve(&mut self, additional: usize) {
        self.grow_to(self.blocks_after(additional));
    }

    fn grow_to(&mut self, blocks: usize) {
        self.blocks.reserve_exact(self.places_for(blocks) - self.blocks.len());
        while self.blocks.len() < blocks {
            self.blocks.push(Box::new([UNUSED; BLOCK_ITEMS]));
        }
    }

    /// Gives back the blocks that have not been used since [`clear`](Self::clear).
    pub(super) fn shrink(&mut self) {
        let blocks = self.end.div_ceil(BLOCK_ITEMS);
        self.blocks.truncate(blocks);
        self.blocks.shrink_to(blocks.max(PLACES_MIN));
    }

    fn blocks_after(&self, additional: usize) -> usize {
        (self.len + additional).div_ceil(BLOCK_ITEMS).max(self.blocks.len())
    }

    /// Places for blocks to have, so that there is one for each.
    fn places_for(&self, blocks: usize) -> usize {
        match self.blocks.capacity() {
            enough if blocks <= enough => enough,
            places => blocks.max(places + places / 4).max(PLACES_MIN),
        }
    }

    /// Heap bytes, as the allocator rounds them.
    pub(super) fn heap_bytes(&self) -> usize {
        heap_bytes(self.blocks.len(), self.blocks.capacity())
    }

    /// Bytes to have in hand before so many more: of the blocks, and of all their places when those are copied.
    pub(super) fn bytes_to_grow(&self, additional: usize) -> usize {
        let blocks = self.blocks_after(additional);
        let places = self.places_for(blocks);
        let copied = if places > self.blocks.capacity() { places } else { 0 };
        heap_bytes(blocks - self.blocks.len(), copied)
    }

    /// Bytes of the places after [`shrink`](Self::shrink), at most: those before are there still.
    pub(super) fn bytes_to_shrink(&self) -> usize {
        heap_bytes(0, self.blocks_after(0).max(PLACES_MIN))
    }
}

/// The block of an item, and its place there.
fn place(number: u32) -> (usize, usize) {
    (number as usize / BLOCK_ITEMS, number as usize % BLOCK_ITEMS)
}

fn heap_bytes(blocks: usize, places: usize) -> usize {
    blocks * size_of::<Block>() + allocated_bytes(places * size_of::<Box<Block>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: u32) -> Item {
        Item { fingerprint: Fingerprint(number), next: number + 1 }
    }

    fn filled(count: u32) -> Items {
        let mut items = Items::new();
        for number in 0..count {
            let (before, allowed) = (items.heap_bytes(), items.bytes_to_grow(1));
            assert_eq!(items.add(item(number)), number);
            assert!(items.heap_bytes() - before <= allowed, "item {number}");
        }
        items
    }

    #[test]
    fn numbers_stay_and_are_used_again() {
        let mut items = filled(200);
        let before = items.heap_bytes();
        for number in (0..200).step_by(3) {
            items.remove(number);
        }
        assert_eq!(items.len(), 133);
        for number in (1..200).filter(|number| number % 3 != 0) {
            assert_eq!(items.get(number).fingerprint, Fingerprint(number));
        }
        assert_eq!(items.bytes_to_grow(67), 0);
        (0..67).for_each(|_| assert!(items.add(item(9)) < 200));
        assert_eq!((items.len(), items.heap_bytes()), (200, before));
    }

    #[test]
    fn an_item_takes_little_more_than_eight_bytes() {
        for count in [1, 64, 65, 1_000, 5_000, 100_000] {
            let bytes = filled(count).heap_bytes();
            // A block that is hardly used, and the places: a quarter may be free, and the allocator rounds.
            let most = count as usize * 8 + 512 + 32 + count as usize / 64 * 8 * 3 / 2;
            assert!(bytes <= most, "{count} items take {bytes} bytes");
        }
    }

    #[test]
    fn what_is_not_used_is_given_back() {
        let mut items = filled(10_000);
        for left in [5_000, 65, 64, 1, 0] {
            items.clear();
            for number in 0..left {
                items.add(item(number));
            }
            let (promised, places) = (items.bytes_to_shrink(), items.blocks.capacity());
            items.shrink();
            assert_eq!(items.capacity(), (left as usize).next_multiple_of(BLOCK_ITEMS));
            assert!(items.blocks.capacity() <= places);
            assert!(allocated_bytes(items.blocks.capacity() * 8) <= promised.max(32));
        }
        assert!(items.heap_bytes() <= 32, "{} bytes", items.heap_bytes());
    }

    #[test]
    fn room_for_many_is_made_at_once_and_as_announced() {
        for before in [0, 1, 64, 100, 1_000] {
            for additional in [0, 1, 63, 64, 65, 5_000] {
                let mut items = filled(before);
                let (held, announced) = (items.heap_bytes(), items.bytes_to_grow(additional));
                items.reserve(additional);
                let grown = items.heap_bytes() - held;
                assert!(grown <= announced, "{additional} after {before}: {grown} of {announced}");
                assert_eq!(items.bytes_to_grow(additional), 0);
            }
        }
    }
}
