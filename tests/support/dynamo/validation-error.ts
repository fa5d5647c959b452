import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';

/** The error for a request that can never work. */
export function validationError(message: string): DynamoDBServiceException {
  return new DynamoDBServiceException({
    name: 'ValidationException',
    $fault: 'client',
    $metadata: { httpStatusCode: 400 },
    message,
  });
}
