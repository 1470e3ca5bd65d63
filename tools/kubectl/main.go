// Command kubectl is the kubectl of its module's version, for the tests. `go install k8s.io/kubernetes/cmd/kubectl@…` is
// refused because of that module's replace directives; this is the same main function over the module k8s.io/kubectl.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
