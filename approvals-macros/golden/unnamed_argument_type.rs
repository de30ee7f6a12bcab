/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn sum(items: impl Iterator<Item = u8> + Serialize) -> Res<u8> {
    let mut gate = {
        use ::approvals::__private as __approvals;
        __approvals::Gate::at(
            __approvals::site! {
                static SITE : __approvals::ActionSite =
                __approvals::ActionSite::new(::core::concat!(::core::module_path!(),
                "::sum"), ::core::file!(), ::core::line!()).risk(__approvals::Risk::High)
                .arguments(& [__approvals::Argument::shown("type of items"),
                __approvals::Argument::shown("items")]);
            },
        )
    };
    let permit = {
        use ::approvals::__private as __approvals;
        loop {
            let turn = __approvals::Gate::turn(
                &mut gate,
                &__approvals::declared::high,
                &[
                    &__approvals::show_by(
                        &|capturer| capturer.show(::core::any::type_name_of_val(&items)),
                    ),
                    &__approvals::show(&items),
                ],
                &[],
            );
            match turn {
                __approvals::Turn::Run(permit) => break permit,
                __approvals::Turn::Wait(step) => step.await,
                __approvals::Turn::Stop(refusal) => return __approvals::refuse(refusal),
            }
        }
    };
    let outcome: Res<u8> = permit
        .run(
            ::core::pin::pin!(
                async move { if false { use ::approvals::__private as __approvals; return
                __approvals::never:: < Res < u8 > > (); } { Ok(items.sum()) } }
            ),
        )
        .await;
    outcome
}
