# `make demo` shows the program at work, `make test` proves it; both need Python 3.10 or later, Go and the network.
.PHONY: help demo check test release signing-key publish test-release site test-site test-fluent-bit test-kafka test-agents test-recipes test-cluster test-image image-packages bare-root mutants lint bench clean

help:
	@echo 'make demo    set up and run the main job on the chart examples/web'
	@echo 'make check   lint, types and the tests that need no real tool, with few generated cases: under a minute on two cores'
	@echo 'make test    set up, bring helm 3, helm 4, kustomize, kubectl and the OpenTelemetry Collector, run every check'
	@echo 'make test-fluent-bit FLUENT_BIT=/path/to/fluent-bit    run the logging agent with that program'
	@echo 'make test-kafka    bring Apache Kafka, run the logging agent against it; with FLUENT_BIT that program too; needs Java and Maven'
	@echo 'make test-agents    run the agents under load and faults, an hour; with FLUENT_BIT that program too; rewrites docs/agents-under-load.md'
	@echo 'make test-recipes    bring Helmfile and parts of Argo CD, run their recipes of docs/recipes.md'
	@echo 'make test-cluster    build Kubernetes, Helmfile, OpenTofu and Kyverno, run the tests on a real API server and a real node; root on Debian for the node'
	@echo 'make test-image    build the container image of the KRM function and run it, through kpt too where kpt is installed'
	@echo 'make bare-root   run make demo and make test in a fresh Debian with nothing but what the README lists; root, 20 minutes'
	@echo 'make mutants   make 300 small mistakes in the core, one at a time, and count those that the tests find; an hour'
	@echo 'make release [KEY=GPG-KEY] [IMAGE=no]    make everything that is released into dist/, signed with that key; IMAGE=no: without the image'
	@echo 'make publish REGISTRY=HOST/PATH    push the plugins, the chart and the image in dist/ to an OCI registry'
	@echo 'make test-release    make it twice and install it from there: files, a web server, a registry, and a Debian without network'
	@echo 'make site    make the pages of docs/ with search, into build/site'
	@echo 'make test-site    open each of them in Chromium; as root on Debian it installs that'
	@echo 'make lint    ruff and mypy'
	@echo 'make bench   compare with kustomize, istioctl and helm, show growth; rewrites docs/performance.md'
	@echo 'make clean   remove what the others made'

demo:
	@tools/demo

lint:
	@tools/venv dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

check: lint
	HYPOTHESIS_PROFILE=quick .venv/bin/pytest -n auto -m 'not slow and not e2e and not cluster and not fluent_bit and not image and not recipes and not release and not site' $(PYTEST_ARGS)

test: lint
	@tools/install
	.venv/bin/pytest -n auto $(PYTEST_ARGS)

# Fluent Bit is in no package registry: docs/agents.md tells how to get one.
test-fluent-bit:
	@tools/venv dev
	@test -x '$(FLUENT_BIT)' || { echo "which program? make test-fluent-bit FLUENT_BIT=/path/to/fluent-bit" >&2; exit 2; }
	FLUENT_BIT='$(abspath $(FLUENT_BIT))' .venv/bin/pytest -m 'fluent_bit and not kafka and not long' tests/agent_programs $(PYTEST_ARGS)

test-kafka:
	@tools/venv dev
	@tools/install otelcol
	@tools/kafka/packages
	@tools/kafka/install
	$(if $(FLUENT_BIT),FLUENT_BIT='$(abspath $(FLUENT_BIT))') .venv/bin/pytest -m 'kafka$(if $(FLUENT_BIT),, and not fluent_bit)' \
	  tests/agent_programs $(PYTEST_ARGS)

test-agents:
	@tools/venv dev
	@tools/install otelcol
	$(if $(FLUENT_BIT),FLUENT_BIT='$(abspath $(FLUENT_BIT))') .venv/bin/pytest -n 3 -m 'long$(if $(FLUENT_BIT),, and not fluent_bit)' \
	  tests/agent_programs $(PYTEST_ARGS)

test-recipes:
	@tools/venv dev
	@tools/install helm3 helm4 kustomize helmfile argocd
	.venv/bin/pytest -m recipes tests/e2e $(PYTEST_ARGS)

test-cluster:
	@tools/venv dev
	@tools/install
	@tools/install helmfile tofu terraform-provider-helm kyverno kyverno-controller
	@tools/cluster/packages
	@tools/cluster/build
	.venv/bin/pytest -m cluster tests/cluster $(PYTEST_ARGS)

# kpt is in no package registry: where it is not installed, the tests that run it are left out.
test-image:
	@tools/venv dev
	@tools/install helm3 argocd
	@tools/image/packages
	.venv/bin/pytest -m "image$$(command -v kpt >/dev/null || echo ' and not kpt')" tests/image $(PYTEST_ARGS)

bare-root:
	@tools/bare-root

mutants:
	@tools/venv dev
	.venv/bin/python tools/mutants $(MUTANTS_ARGS)

# SIDECAR_PLUGIN_URL in the environment is the address of the repository, for the links on package indexes. With FROM_PACKAGES the
# container image begins with Debian's packages, where its base cannot be pulled; with IMAGE=no there is none.
release:
	@tools/venv dev
	@$(if $(filter no,$(IMAGE)),,tools/image/packages)
	.venv/bin/python tools/release $(if $(KEY),--key '$(KEY)') $(if $(FROM_PACKAGES),--from-packages) $(if $(filter no,$(IMAGE)),--no-image)

image-packages:
	@tools/image/packages

publish:
	@test -n '$(REGISTRY)' || { echo "to which registry? make publish REGISTRY=registry.example.com/tools" >&2; exit 2; }
	@tools/install helm4 oras
	@tools/publish '$(REGISTRY)'

# What a release is signed with, from the environment variable SIGNING_KEY: an armored secret key of gpg.
signing-key:
	@test -n "$$SIGNING_KEY" || { echo "SIGNING_KEY is empty; put an armored secret key of gpg in it" >&2; exit 2; }
	@printf '%s\n' "$$SIGNING_KEY" | gpg --batch --quiet --import

test-release:
	@tools/venv dev
	@tools/install helm3 helm4 oras registry
	@tools/image/packages
	.venv/bin/pytest -m release tests/release $(PYTEST_ARGS)

# SIDECAR_PLUGIN_URL in the environment is the address of the repository, for links to its files; SITE_URL that of the site.
site:
	@tools/venv dev,site
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --quiet --strict
	@echo 'build/site; to read it: python3 -m http.server --directory build/site'

test-site:
	@tools/venv dev,site
	@tools/site/packages
	.venv/bin/pytest -m site tests/site $(PYTEST_ARGS)

bench:
	@tools/venv dev,bench
	@tools/install helm4 kustomize istioctl
	.venv/bin/python benchmarks/run.py $(BENCH_ARGS)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist tools/bin
	find . -name __pycache__ -prune -exec rm -rf {} +
