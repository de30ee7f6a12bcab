/**
# Needs approval

Risk `high`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn r#async(r#type: u64) -> Res<u64> {
    let mut gate = {
        use ::approvals::__private as __approvals;
        __approvals::Gate::at(
            __approvals::site! {
                static SITE : __approvals::ActionSite =
                __approvals::ActionSite::new(::core::concat!(::core::module_path!(),
                "::async"), ::core::file!(), ::core::line!())
                .risk(__approvals::Risk::High).arguments(&
                [__approvals::Argument::shown("type")]);
            },
        )
    };
    let permit = {
        use ::approvals::__private as __approvals;
        loop {
            let turn = __approvals::Gate::turn(
                &mut gate,
                &__approvals::declared::high,
                &[&__approvals::show(&r#type)],
                &[],
            );
            match turn {
                __approvals::Turn::Run(permit) => break permit,
                __approvals::Turn::Wait(step) => step.await,
                __approvals::Turn::Stop(refusal) => return __approvals::refuse(refusal),
            }
        }
    };
    let outcome: Res<u64> = permit
        .run(
            ::core::pin::pin!(
                async move { if false { use ::approvals::__private as __approvals; return
                __approvals::never:: < Res < u64 > > (); } { Ok(r#type) } }
            ),
        )
        .await;
    outcome
}
