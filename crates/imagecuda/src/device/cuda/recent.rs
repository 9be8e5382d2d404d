//! The last things that were made of host data: they are found by the address of those.

use crate::parallel::lock;
use std::sync::{Arc, Mutex};

/// The values that were used last, and what each was made of.
pub(super) struct Recent<K: ?Sized, V, const MOST: usize>(Mutex<Vec<Known<K, V>>>);

type Known<K, V> = (Arc<K>, Arc<V>);

impl<K: ?Sized, V, const MOST: usize> Default for Recent<K, V, MOST> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: ?Sized, V, const MOST: usize> Recent<K, V, MOST> {
    pub(super) fn find(&self, key: &Arc<K>) -> Option<Arc<V>> {
        let mut known = lock(&self.0);
        let at = known
            .iter()
            .position(|(other, _)| Arc::ptr_eq(other, key))?;
        let found = known.remove(at);
        let value = Arc::clone(&found.1);
        known.push(found);
        Some(value)
    }

    /// Keeps a value, if that is still allowed: `is_allowed` is called with the lock held. Nothing is
    /// dropped with it held, as that may call the driver.
    pub(super) fn keep(&self, key: &Arc<K>, value: &Arc<V>, is_allowed: impl FnOnce() -> bool) {
        let mut known = lock(&self.0);
        if !is_allowed() {
            return;
        }
        // Another thread may have made the same meanwhile.
        let same = known.iter().position(|(other, _)| Arc::ptr_eq(other, key));
        let surplus = same.or((known.len() >= MOST).then_some(0));
        let surplus = surplus.map(|at| known.remove(at));
        known.push((Arc::clone(key), Arc::clone(value)));
        drop(known);
        drop(surplus);
    }

    pub(super) fn clear(&self) {
        let known = std::mem::take(&mut *lock(&self.0));
        drop(known);
    }

    /// The sum of a number of each key.
    pub(super) fn sum(&self, of: impl Fn(&K) -> usize) -> usize {
        lock(&self.0).iter().map(|(key, _)| of(key)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Weak, mpsc};

    type Numbers = Recent<[u8], u32, 3>;

    fn kept(recent: &Numbers, keys: &[Arc<[u8]>]) -> Vec<Option<u32>> {
        let known = lock(&recent.0);
        let of = |key| known.iter().find(|(other, _)| Arc::ptr_eq(other, key));
        keys.iter().map(|key| of(key).map(|(_, v)| **v)).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let recent = Numbers::default();
        // All are equal: only the address counts.
        let keys: Vec<Arc<[u8]>> = (0..5).map(|_| Arc::from([7; 4])).collect();
        for (i, key) in keys.iter().take(3).enumerate() {
            assert_eq!(recent.find(key), None);
            recent.keep(key, &Arc::new(i as u32), || true);
        }
        assert_eq!(recent.sum(<[u8]>::len), 12);
        assert_eq!(recent.find(&keys[0]), Some(Arc::new(0)));
        recent.keep(&keys[3], &Arc::new(3), || true);
        assert_eq!(
            kept(&recent, &keys),
            [Some(0), None, Some(2), Some(3), None]
        );
        recent.keep(&keys[4], &Arc::new(4), || false);
        assert_eq!(
            kept(&recent, &keys),
            [Some(0), None, Some(2), Some(3), None]
        );
        // Made twice: the later one stays, and nothing else goes.
        recent.keep(&keys[3], &Arc::new(33), || true);
        assert_eq!(
            kept(&recent, &keys),
            [Some(0), None, Some(2), Some(33), None]
        );
        recent.clear();
        assert_eq!(kept(&recent, &keys), [None; 5]);
    }

    /// Says whether the lock was free while this was dropped.
    struct Dropped(Weak<Recent<u8, Self, 1>>, mpsc::Sender<bool>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            let recent = self.0.upgrade().expect("the test has it");
            let is_free = recent.0.try_lock().is_ok();
            self.1.send(is_free).unwrap();
        }
    }

    #[test]
    fn nothing_is_dropped_with_the_lock_held() {
        let recent = Arc::new(Recent::<u8, Dropped, 1>::default());
        let (sender, dropped) = mpsc::channel();
        for key in 0..3 {
            let value = Arc::new(Dropped(Arc::downgrade(&recent), sender.clone()));
            recent.keep(&Arc::new(key), &value, || true);
        }
        recent.clear();
        let dropped: Vec<bool> = dropped.try_iter().collect();
        assert_eq!(dropped, [true; 3]);
    }
}
