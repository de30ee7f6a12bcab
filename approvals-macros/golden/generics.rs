/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn export<T, const N: usize>(items: [T; N]) -> Res<usize>
where
    [T; N]: Serialize,
{
    let mut gate = {
        use ::approvals::__private as __approvals;
        __approvals::Gate::at(
            __approvals::site! {
                static SITE : __approvals::ActionSite =
                __approvals::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(__approvals::Risk::High).arguments(&
                [__approvals::Argument::shown("T"), __approvals::Argument::shown("N"),
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
                        &|capturer| capturer.show(::core::any::type_name::<T>()),
                    ),
                    &__approvals::show_by(&|capturer| capturer.show(&N)),
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
    let outcome: Res<usize> = permit
        .run(
            ::core::pin::pin!(
                async move { if false { use ::approvals::__private as __approvals; return
                __approvals::never:: < Res < usize > > (); } { Ok(items.len()) } }
            ),
        )
        .await;
    outcome
}
