//! The groups and datasets of a file, found by one walk when it is opened.

use std::collections::{BTreeMap, HashMap};

use hdf5_reader::Hdf5File;
use hdf5_reader::messages::HdfMessage;

use super::links::{self, Link};
use super::{from_library, parts};
use crate::saving::error::{FileError, Place};

/// Most objects in one file. A model of ten thousand layers has a tenth of it.
const MAX_OBJECTS: usize = 1 << 20;

/// Everything reachable from the root. Objects are kept by address, so hard links that form a loop do no harm.
pub(super) struct Tree {
    root: u64,
    objects: HashMap<u64, Object>,
}

/// What lies at an address.
#[derive(Debug)]
pub(super) enum Object {
    Group(BTreeMap<String, Link>),
    Dataset,
    /// A named datatype, for instance.
    Other,
}

impl Tree {
    /// Walks the file. Links and arrays that reach out of the file are refused, wherever they are.
    pub(super) fn walk(file: &Hdf5File, at: &Place) -> Result<Tree, FileError> {
        let root = file.root_group().map_err(|e| from_library(at, e))?.address();
        let mut objects = HashMap::new();
        let mut waiting = vec![(root, String::new())];
        while let Some((address, path)) = waiting.pop() {
            if objects.contains_key(&address) {
                continue;
            }
            if objects.len() == MAX_OBJECTS {
                return Err(at.too_large("the number of groups and datasets", MAX_OBJECTS));
            }
            let object = object(file, address, &inside(at, &path))?;
            if let Object::Group(links) = &object {
                for (name, link) in links {
                    if let Link::Hard(child) = link {
                        waiting.push((*child, shortened(&path, name)));
                    }
                }
            }
            objects.insert(address, object);
        }
        Ok(Tree { root, objects })
    }

    /// The object at a path and its address; `None` when there is none.
    pub(super) fn find(&self, path: &str, at: &Place) -> Result<Option<(u64, &Object)>, FileError> {
        let mut address = self.root;
        for part in parts(path) {
            let Some(Object::Group(links)) = self.objects.get(&address) else { return Ok(None) };
            match links.get(part) {
                None => return Ok(None),
                Some(Link::Hard(child)) => address = *child,
                Some(Link::Soft(target)) => {
                    return Err(at.inside(path).refused(format!("a soft link to `{target}`"), LINKS));
                }
                Some(Link::External(target)) => {
                    return Err(at.inside(path).refused(format!("a link into the file `{target}`"), LINKS));
                }
            }
        }
        Ok(self.objects.get(&address).map(|object| (address, object)))
    }
}

const LINKS: &str = "groups and arrays must be in the file itself";

/// Deepest path that errors spell out while walking: a chain of a million groups must not cost a million paths.
const SPELLED: usize = 200;

fn shortened(path: &str, name: &str) -> String {
    if path.len() + name.len() > SPELLED { path.to_owned() } else { format!("{path}/{name}") }
}

fn inside(at: &Place, path: &str) -> Place {
    if path.is_empty() { at.clone() } else { at.inside(path) }
}

fn object(file: &Hdf5File, address: u64, at: &Place) -> Result<Object, FileError> {
    let header = file.get_or_parse_header(address).map_err(|e| from_library(at, e))?;
    let mut is_dataset = false;
    let mut is_group = false;
    for message in &header.messages {
        match message {
            HdfMessage::ExternalFiles(_) => {
                return Err(at.refused("an array stored in another file", LINKS));
            }
            HdfMessage::DataLayout(_) => is_dataset = true,
            HdfMessage::SymbolTable(_)
            | HdfMessage::Link(_)
            | HdfMessage::LinkInfo(_)
            | HdfMessage::GroupInfo(_) => is_group = true,
            // The library's messages, none of which tell what an object is.
            _ => {}
        }
    }
    match (is_group, is_dataset) {
        (true, true) => Err(at.corrupt("an object that is both group and array")),
        (true, false) => group(file, &header.messages, at),
        (false, true) => Ok(Object::Dataset),
        (false, false) => Ok(Object::Other),
    }
}

fn group(file: &Hdf5File, messages: &[HdfMessage], at: &Place) -> Result<Object, FileError> {
    let mut links = BTreeMap::new();
    for (name, link) in links::of_group(file, messages).map_err(|e| from_library(at, e))? {
        if let Link::External(target) = &link {
            return Err(at.inside(&name).refused(format!("a link into the file `{target}`"), LINKS));
        }
        if links.contains_key(&name) {
            return Err(at.corrupt(format!("the name `{name}` twice in one group")));
        }
        links.insert(name, link);
    }
    Ok(Object::Group(links))
}
