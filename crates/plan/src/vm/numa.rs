//! Virtual NUMA: how a VM's processors and memory are laid over the host's nodes.

use serde::Serialize;
use serde_json::{Value, json};

use crate::error::{PlanError, Result};
use crate::fields::Fields;
use crate::host::builds;

/// The most virtual nodes, and the first number that no physical node has.
const MOST_NODES: u32 = 64;
/// Any physical node.
const ANY_NODE: u32 = 255;
const FIELD: &str = "io.microsoft.virtualmachine.computetopology.numa";

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Numa {
    /// Let the host lay out nodes of at most so many processors.
    pub max_processors_per_node: u32,
    /// And of at most so much memory, in MB.
    pub max_size_per_node: u64,
    /// On these of its nodes, if it can.
    pub preferred_nodes: Vec<u32>,
    /// Or: virtual nodes on these physical ones.
    pub mapped_nodes: Vec<u32>,
    /// With so many processors each.
    pub processor_counts: Vec<u32>,
    /// And with so much memory each, in MB.
    pub memory_counts: Vec<u64>,
}

/// What goes into a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// `ComputeTopology.Numa`.
    pub numa: Value,
    /// `Processor.NumaProcessorsSettings`.
    pub processors: Option<Value>,
}

impl Numa {
    /// The layout for a VM of the given size; nothing when nothing that matters was asked for.
    pub fn layout(&self, build: u32, processors: u32, memory: u64) -> Result<Option<Layout>> {
        let implicit = self.max_processors_per_node > 0;
        if !implicit && self.mapped_nodes.is_empty() {
            return Ok(None);
        }
        if build < builds::WS2025 {
            return Err(PlanError::unsupported(FIELD, "it needs Windows Server 2025"));
        }
        if implicit { self.implicit() } else { self.explicit(processors, memory) }.map(Some)
    }

    fn implicit(&self) -> Result<Layout> {
        if self.max_size_per_node == 0 {
            let why = "processors per node need a size per node";
            return Err(PlanError::missing(FIELD, why));
        }
        let numa = Fields::new()
            .put("PreferredPhysicalNodes", self.preferred_nodes.clone())
            .put("MaxSizePerNode", self.max_size_per_node);
        let processors = json!({ "count_per_node": { "max": self.max_processors_per_node } });
        Ok(Layout { numa: numa.into(), processors: Some(processors) })
    }

    fn explicit(&self, processors: u32, memory: u64) -> Result<Layout> {
        self.check(processors, memory)?;
        let counts = self.processor_counts.iter().zip(&self.memory_counts);
        let nodes = self.mapped_nodes.iter().zip(counts).enumerate();
        let settings: Vec<Value> = nodes
            .map(|(at, (node, (processors, memory)))| {
                Fields::new()
                    .put("VirtualNodeNumber", at)
                    .put("PhysicalNodeNumber", *node)
                    .put("VirtualSocketNumber", at)
                    .put("CountOfProcessors", *processors)
                    .put("CountOfMemoryBlocks", *memory)
                    .always("MemoryBackingType", "Physical")
                    .into()
            })
            .collect();
        let numa = Fields::new()
            .put("VirtualNodeCount", self.mapped_nodes.len())
            .put("PreferredPhysicalNodes", self.preferred_nodes.clone())
            .put("Settings", settings);
        Ok(Layout { numa: numa.into(), processors: None })
    }

    fn check(&self, processors: u32, memory: u64) -> Result<()> {
        let refuse = |value: String, rule: &str| Err(PlanError::field(FIELD, value, rule));
        let nodes = self.mapped_nodes.len();
        if nodes != self.processor_counts.len() || nodes != self.memory_counts.len() {
            return refuse(nodes.to_string(), "nodes, processors and memory differ in number");
        }
        if nodes > MOST_NODES as usize {
            return refuse(nodes.to_string(), "there may be 64 virtual nodes");
        }
        let is_bad = |node: &&u32| **node >= MOST_NODES && **node != ANY_NODE;
        if let Some(node) = self.mapped_nodes.iter().find(is_bad) {
            return refuse(node.to_string(), "a physical node is below 64, or 255 for any");
        }
        let any = self.mapped_nodes.iter().filter(|node| **node == ANY_NODE).count();
        if any != 0 && any != nodes {
            return refuse(any.to_string(), "any node for all of them or for none");
        }
        if self.memory_counts.contains(&0) {
            return refuse("0".into(), "a node has memory");
        }
        self.check_totals(processors, memory)
    }

    fn check_totals(&self, processors: u32, memory: u64) -> Result<()> {
        let refuse = |value: String, rule: &str| Err(PlanError::field(FIELD, value, rule));
        let all_memory = self.memory_counts.iter().fold(0_u64, |sum, mb| sum.wrapping_add(*mb));
        let all_processors =
            self.processor_counts.iter().fold(0_u32, |sum, count| sum.wrapping_add(*count));
        if (all_memory == 0) != (all_processors == 0) {
            return refuse(all_processors.to_string(), "nodes have both, processors and memory");
        }
        if all_memory != memory {
            return refuse(all_memory.to_string(), "the nodes' memory is not the VM's");
        }
        if all_processors != processors {
            return refuse(all_processors.to_string(), "the nodes' processors are not the VM's");
        }
        Ok(())
    }
}
