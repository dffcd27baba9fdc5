//! Schedules: learning rates at some steps.

use cornu::optimizers::Schedule;
use cornu_ir::Tensor;

use crate::reading::*;

#[test]
fn schedules_are_those_of_keras() {
    for case in items(&fixture("schedules.json")) {
        let schedule = Schedule::deserialize(&case["config"]).unwrap();
        assert_eq!(schedule.serialize(), case["config"]);
        for (step, expected) in items(&case["steps"]).iter().zip(numbers(&case["values"])) {
            let step = Tensor::scalar(number(step) as i32);
            let value = evaluate(&[step], |given| vec![schedule.value(given[0])]);
            assert_close(&case.to_string(), &value[0], &[expected], 1e-6);
        }
    }
}
