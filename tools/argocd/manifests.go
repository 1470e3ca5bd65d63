package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
)

// manifests asks the repo server what the application controller asks it: the manifests of an application. They are written as
// JSON documents, each after a line `---`.
func manifests() *cobra.Command {
	return &cobra.Command{
		Use:  "manifests ADDRESS APPLICATION REPOSITORY VERSION",
		Args: cobra.ExactArgs(4),
		RunE: func(command *cobra.Command, words []string) error {
			return ask(words, func(client apiclient.RepoServerServiceClient, application *v1alpha1.Application) error {
				source := application.Spec.GetSource()
				answer, err := client.GenerateManifest(command.Context(), &apiclient.ManifestRequest{
					Repo:               &v1alpha1.Repository{Repo: source.RepoURL},
					Revision:           source.TargetRevision,
					NoCache:            true,
					AppName:            application.Name,
					AppLabelKey:        "app.kubernetes.io/instance",
					TrackingMethod:     string(v1alpha1.TrackingMethodAnnotation),
					Namespace:          application.Spec.Destination.Namespace,
					ApplicationSource:  &source,
					KubeVersion:        words[3],
					ProjectName:        application.Spec.Project,
					ProjectSourceRepos: []string{"*"},
				})
				if err != nil {
					return err
				}
				for _, manifest := range answer.Manifests {
					fmt.Printf("---\n%s\n", manifest)
				}
				return nil
			})
		},
	}
}

// parameters asks the repo server what the API server asks it for the page of an application: the parameters that its plugin
// announces. They are written as one JSON list.
func parameters() *cobra.Command {
	return &cobra.Command{
		Use:  "parameters ADDRESS APPLICATION REPOSITORY",
		Args: cobra.ExactArgs(3),
		RunE: func(command *cobra.Command, words []string) error {
			return ask(words, func(client apiclient.RepoServerServiceClient, application *v1alpha1.Application) error {
				source := application.Spec.GetSource()
				answer, err := client.GetAppDetails(command.Context(), &apiclient.RepoServerAppDetailsQuery{
					Repo:            &v1alpha1.Repository{Repo: source.RepoURL},
					Source:          &source,
					AppName:         application.Name,
					NoCache:         true,
					NoRevisionCache: true,
				})
				if err != nil {
					return err
				}
				return json.NewEncoder(os.Stdout).Encode(answer.GetPlugin().GetParametersAnnouncement())
			})
		},
	}
}

// ask opens a client for the repo server at the first of words and reads the application in the file that the second names. Its
// repository is then where the third says, not where the application does.
func ask(words []string, about func(apiclient.RepoServerServiceClient, *v1alpha1.Application) error) error {
	text, err := os.ReadFile(words[1])
	if err != nil {
		return err
	}
	var application v1alpha1.Application
	if err := yaml.UnmarshalStrict(text, &application); err != nil {
		return err
	}
	application.Spec.Source.RepoURL = words[2]
	clients := apiclient.NewRepoServerClientset(words[0], 60, apiclient.TLSConfiguration{DisableTLS: true})
	connection, client, err := clients.NewRepoServerClient()
	if err != nil {
		return err
	}
	defer connection.Close()
	return about(client, &application)
}
