/**
# Needs approval

Risk `high`, sensitivity `pii`. The body runs only once policy, or the people whom it asks, let exactly this call through.*/
async fn export(rows: u64, name: Name) -> Res<u64> {
    let mut gate = {
        use ::approvals::__private as __approvals;
        __approvals::Gate::at(
            __approvals::site! {
                static SITE : __approvals::ActionSite =
                __approvals::ActionSite::new(::core::concat!(::core::module_path!(),
                "::export"), ::core::file!(), ::core::line!())
                .risk(__approvals::Risk::High).sensitivity("pii")
                .reason("{rows:>4} of {name:?}").resource("{name.first}").arguments(&
                [__approvals::Argument::shown("rows"),
                __approvals::Argument::shown("name")]).labels(& [("day", "day()")]);
            },
        )
    };
    let permit = {
        use ::approvals::__private as __approvals;
        loop {
            let turn = __approvals::Gate::turn(
                &mut gate,
                &__approvals::declared::high,
                &[&__approvals::show(&rows), &__approvals::show(&name)],
                &[
                    __approvals::Text::reason_of(
                        ::core::format_args!("{:>4} of {:?}", rows, name),
                    ),
                    __approvals::Text::resource_of(
                        ::core::format_args!("{}", name.first),
                    ),
                    __approvals::Text::label(
                        "day",
                        &|f| f.write_fmt(::core::format_args!("{}", day())),
                    ),
                ],
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
                __approvals::never:: < Res < u64 > > (); } { Ok(rows) } }
            ),
        )
        .await;
    outcome
}
