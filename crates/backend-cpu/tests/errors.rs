//! Wrong buffers and broken plans are errors, not panics.

use cornu_backend_cpu::Cpu;
use cornu_ir::backend::{Backend, Buffer};
use cornu_ir::derived::conditional;
use cornu_ir::error::BackendError;
use cornu_ir::ops::{Conv, Sliding};
use cornu_ir::passes::optimize;
use cornu_ir::plan::{BranchKernel, Kernel, OpKernel, Place, Plan, Step, View, ViewDim, plan};
use cornu_ir::{Builder, DType, Type};

/// `exp(x) + y` of ten elements.
fn example() -> Plan {
    let b = Builder::new();
    let ty = Type::new(DType::F32, [10]);
    let (x, y) = (b.input("x", ty.clone()), b.input("y", ty));
    plan(&b.finish(&[x.exp() + y]).unwrap())
}

#[test]
fn buffers_are_checked() {
    let cpu = Cpu::with_threads(1).unwrap();
    let mut executable = cpu.compile(&example()).unwrap();
    let of = |shape: [usize; 1]| cpu.allocate(&Type::new(DType::F32, shape)).unwrap();
    let (x, short, mut out) = (of([10]), of([9]), vec![of([10])]);
    assert_eq!(executable.run(&mut [], &[&x, &x], &mut out), Ok(()));
    let error = executable.run(&mut [], &[&x, &short], &mut out).unwrap_err();
    assert_eq!(error.to_string(), "cpu: input 1 must be f32[10]; it is f32[9]");
    let error = executable.run(&mut [], &[&x], &mut out).unwrap_err();
    assert_eq!(error.to_string(), "cpu: the number of input buffers must be 2; it is 1");
    let foreign = Buffer::new(Type::new(DType::F32, [10]), 1u8);
    let error = executable.run(&mut [], &[&x, &foreign], &mut out).unwrap_err();
    assert!(matches!(error, BackendError::Buffer { .. }), "{error}");
}

#[test]
fn broken_plans_are_refused() {
    let cpu = Cpu::with_threads(1).unwrap();
    let refused = |what: &str, breaking: &dyn Fn(&mut Plan)| {
        let mut plan = example();
        breaking(&mut plan);
        let error = cpu.compile(&plan).err().unwrap_or_else(|| panic!("{what} is accepted"));
        assert!(error.to_string().contains("the plan is broken"), "{what}: {error}");
    };
    refused("a buffer without place", &|plan| plan.buffers[0].place = Place::Input(5));
    refused("a write to an input", &|plan| plan.buffers[2].place = Place::Input(0));
    refused("an arena that is too small", &|plan| plan.buffers[2].place = Place::Arena(64));
    refused("an unknown buffer", &|plan| plan.buffers.truncate(2));
    let map = |plan: &mut Plan| match &mut plan.steps[0].kernel {
        Kernel::Map(map) => std::mem::take(&mut map.program),
        other => panic!("a map, not {other:?}"),
    };
    let with = |plan: &mut Plan, breaking: &dyn Fn(&mut cornu_ir::plan::Program)| {
        let mut program = map(plan);
        breaking(&mut program);
        if let Kernel::Map(map) = &mut plan.steps[0].kernel {
            map.program = program;
        }
    };
    refused("a view beyond the buffer", &|plan| with(plan, &|program| program.loads[0].view.offset = 1));
    refused("a huge view", &|plan| {
        with(plan, &|program| program.loads[0].view.dims[0] = ViewDim { size: 10, stride: usize::MAX });
    });
    refused("a register before it is made", &|plan| {
        with(plan, &|program| program.instructions[0].args[0] = 7)
    });
    refused("a missing argument", &|plan| with(plan, &|program| program.instructions[1].args.truncate(1)));
    refused("no stores", &|plan| with(plan, &|program| program.stores.clear()));
}

/// A convolution whose tail adds a bias and what it then writes over.
#[test]
fn broken_convolutions_are_refused() {
    let cpu = Cpu::with_threads(1).unwrap();
    let b = Builder::new();
    let ty = |shape: &[usize]| Type::new(DType::F32, shape);
    let state = b.input("state", ty(&[1, 6, 6, 4]));
    let (x, kernel) = (b.input("x", ty(&[1, 8, 8, 3])), b.input("kernel", ty(&[3, 3, 3, 4])));
    let bias = b.input("bias", ty(&[4]));
    let y = x.conv(kernel, Conv { sliding: Sliding::dense(2), groups: 1 });
    let next = y + bias.broadcast_leading(&y.shape()) + state;
    let whole = plan(&optimize(&b.finish_with_state(1, &[next]).unwrap()));
    assert!(cpu.compile(&whole).is_ok());
    assert_eq!(whole.steps.len(), 1, "{whole}");
    let refused = |what: &str, breaking: &dyn Fn(&mut Step, &mut OpKernel)| {
        let mut plan = whole.clone();
        let Kernel::Op(mut kernel) = plan.steps[0].kernel.clone() else { panic!("a convolution") };
        breaking(&mut plan.steps[0], &mut kernel);
        plan.steps[0].kernel = Kernel::Op(kernel);
        let error = cpu.compile(&plan).err().unwrap_or_else(|| panic!("{what} is accepted"));
        assert!(error.to_string().contains("the plan is broken"), "{what}: {error}");
    };
    refused("a missing argument", &|step, _| step.reads.truncate(1));
    refused("other arguments", &|_, kernel| kernel.operands = 1);
    refused("another result", &|_, kernel| kernel.result = ty(&[1, 6, 6, 5]));
    refused("a tail of another type", &|_, kernel| kernel.tail.root = Some(DType::F64));
    refused("a tail without a root", &|_, kernel| kernel.tail.root = None);
    refused("a tail that stores nothing", &|_, kernel| kernel.tail.stores.clear());
    refused("a result written over an operand", &|step, _| step.writes[0] = step.reads[0]);
    refused("a result written over what is read elsewhere", &|_, kernel| {
        let over = &mut kernel.tail.loads.last_mut().unwrap().view;
        *over = View::new(0, [ViewDim { size: 144, stride: 0 }]);
    });
}

#[test]
fn broken_branches_are_refused() {
    let cpu = Cpu::with_threads(1).unwrap();
    let b = Builder::new();
    let (x, y) = (b.input("x", Type::new(DType::F32, [10])), b.input("y", Type::new(DType::F32, [10])));
    let predicate = b.input("predicate", Type::scalar(DType::Bool));
    let results = conditional(&b, predicate, || vec![x.exp(), y], || vec![y, x + y]);
    let whole = plan(&optimize(&b.finish(&results).unwrap()));
    assert!(cpu.compile(&whole).is_ok());
    let refused = |what: &str, breaking: &dyn Fn(&mut Plan, &mut BranchKernel)| {
        let mut plan = whole.clone();
        let Kernel::Branch(mut kernel) = plan.steps[0].kernel.clone() else { panic!("a branch") };
        breaking(&mut plan, &mut kernel);
        plan.steps[0].kernel = Kernel::Branch(kernel);
        let error = cpu.compile(&plan).err().unwrap_or_else(|| panic!("{what} is accepted"));
        assert!(error.to_string().contains("the plan is broken"), "{what}: {error}");
    };
    refused("a predicate that is no bool", &|plan, _| plan.steps[0].reads[0] = plan.steps[0].reads[1]);
    refused("a missing argument", &|plan, _| plan.steps[0].reads.truncate(2));
    refused("an output twice", &|_, kernel| kernel.outputs[1] = kernel.outputs[0]);
    refused("an output that there is not", &|_, kernel| kernel.outputs[1] = 2);
    refused("state in one branch", &|_, kernel| kernel.then.state = 1);
    refused("branches that give different types", &|_, kernel| {
        kernel.otherwise.outputs.truncate(1);
    });
}
