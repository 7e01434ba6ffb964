//! What a cheap handle to something shared is, whatever is shared.

/// A handle `Name(Rc<..>)` can be held weakly, and equals those to the same thing.
macro_rules! handle {
    ($name:ident, $to_the_same:literal) => {
        impl crate::emitter::Downgrade for $name {
            fn downgrade(&self) -> impl Fn() -> Option<Self> + 'static {
                let inner = std::rc::Rc::downgrade(&self.0);
                move || inner.upgrade().map(Self)
            }
        }

        #[doc = concat!("Two handles are equal if they are handles to the same ", $to_the_same, ".")]
        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                std::rc::Rc::ptr_eq(&self.0, &other.0)
            }
        }

        impl Eq for $name {}
    };
}

pub(crate) use handle;
